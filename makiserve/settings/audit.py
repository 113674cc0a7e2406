"""What to hold against its replay."""

from makiserve.settings.section import Section, option


class AuditSettings(Section, table="audit", prefix="AUDIT_"):
    """Audit what a service has written, against a replay."""

    input: str = option(derived="{serve.input}", help="The topic that the service reads.", metavar="TOPIC")
    output: str = option(derived="{serve.output}", help="The topic that it writes to.", metavar="TOPIC")
    dead_letters: str = option(
        derived="{audit.output}.dead-letters", help="Its topic of dead letters.", metavar="TOPIC"
    )
    start: str = option(
        default="earliest",
        name="from",
        help="The first record of each partition that is compared: an offset, a time, or 2h for two hours ago.",
        metavar="PLACE",
    )
    end: str = option(
        default="latest",
        name="to",
        help="The first record that is no more compared; at the latest what the group has not committed.",
        metavar="PLACE",
    )
    state_from: str = option(
        default="earliest",
        help="Where the service's state began, if that was later than the earliest record that is there.",
        metavar="PLACE",
    )
    tolerance: float = option(
        default=1e-9, least=0.0, help="By how much numbers may differ, as a part of the larger one."
    )
