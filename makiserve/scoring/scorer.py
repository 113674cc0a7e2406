"""The scorer: records of one or more lanes to features, predictions and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from itertools import islice
from time import perf_counter

from makiserve.scoring.post import PostProcessor, Prediction
from makiserve.scoring.predictor import NO_COMPANIONS, Companions, Predictor
from makiserve.scoring.record_columns import column_items
from makiserve.scoring.scored import Batch, Lane, Scored
from makiserve.scoring.traffic_split import Call, call_both, challenged
from makiserve.stream.columns.engine_choice import Engine, checkpoints_of, keys_of, program_for
from makiserve.stream.columns.items import concat
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import FeedResult


class Scorer:
    """Records → features → one call of the model for all lanes → post → outputs; for replay, training and serving.

    Args:
        plan: the feature pipeline.
        predictor: the model; None to emit only features.
        post: the pipeline over `Prediction` items that decides what is published; None to publish each prediction.
        companions: the challenger and the shadow, which take features of the same pipeline.
        is_tracked: whether lanes record which of their keys are used, so that checkpoints can leave out the others.

    Attributes:
        checkpoints: the checkpoints of each program, in the order of `Lane.states`: features, then post.
    """

    def __init__(
        self,
        plan: Plan,
        predictor: Predictor | None = None,
        post: Plan | None = None,
        companions: Companions = NO_COMPANIONS,
        *,
        is_tracked: bool = False,
    ) -> None:
        self._program = program_for(plan, is_tracked=is_tracked)
        self.serve(predictor, companions)
        self._post = PostProcessor(post, plan, is_tracked=is_tracked) if post else None
        features = checkpoints_of(self._program)
        types = (Prediction, *features.types)  # a post pipeline's state may contain features
        self.checkpoints = (features, *((Checkpoints(self._post.program, types),) if self._post else ()))

    def with_models(self, predictor: Predictor | None, companions: Companions) -> Scorer:
        """Return a scorer with other models and the same programs, so that the two can exchange lanes."""
        other = copy(self)
        other.serve(predictor, companions)
        return other

    def serve(self, predictor: Predictor | None, companions: Companions) -> None:
        """Use these models from now on."""
        self._champion = Call(predictor) if predictor else None
        self._challenger = Call(companions.challenger) if companions.challenger else None
        self._share = companions.share
        self._shadow = Call(companions.shadow) if companions.shadow else None

    @property
    def has_challenger(self) -> bool:
        """True if a challenger scores some of the records."""
        return self._challenger is not None

    def challenged(
        self, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]
    ) -> Sequence[bool] | None:
        """Return for each record whether the challenger scores it; None without a challenger. See `traffic_split`."""
        return challenged(self._share, keys, place, offsets) if self._challenger else None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of each program."""
        return (self._program.plan, *((self._post.program.plan,) if self._post else ()))

    @cached_property
    def keys(self) -> Engine | None:
        """The program that computes the key of each record; None unless the groups are independent of each other.

        See `keys_of`. A post pipeline that keeps state depends on records of several keys.
        """
        return None if self.remembers_predictions else keys_of(self._program.plan)

    @property
    def stateless(self) -> bool:
        """True if no pipeline keeps state between records."""
        return all(plan.stateless for plan in self.plans)

    @property
    def remembers_predictions(self) -> bool:
        """True if a post pipeline keeps state, which depends on the model's predictions."""
        return self._post is not None and not self._post.program.plan.stateless

    @property
    def hidden(self) -> list[str]:
        """The operators of all pipelines that hide their state; see `Plan.hidden`."""
        return [hidden for plan in self.plans for hidden in plan.hidden]

    @property
    def fingerprint(self) -> str:
        """A fingerprint that changes if the shape of a lane's states may have changed."""
        return "+".join(plan.fingerprint for plan in self.plans)

    def new_lane(self) -> Lane:
        """Return a lane with the initial states."""
        return Lane([self._program.new_state(), *((self._post.program.new_state(),) if self._post else ())])

    def score(self, batches: Sequence[Batch]) -> list[Scored]:
        """Score the batches of any number of lanes, all rows of all lanes in one call of each model."""
        return self.score_timed(batches)[0]

    def score_timed(self, batches: Sequence[Batch]) -> tuple[list[Scored], float]:
        """Score batches; return the results, and the seconds that the models took, which are 0 without a model."""
        computed = [self.features(batch) for batch in batches]
        began = perf_counter()
        scored_batches = self._predicted(computed, batches)
        model_s = perf_counter() - began if self._champion else 0.0
        if self._post is not None:
            post = self._post
            scored_batches = [
                _with_posted(post, scored, batch.lane) for scored, batch in zip(scored_batches, batches, strict=True)
            ]
        return scored_batches, model_s

    def rebuild(self, batch: Batch) -> None:
        """Process records that were scored before, without output, to restore the lane's states.

        The model is called only if a post pipeline remembers predictions.
        """
        if self.remembers_predictions:
            self.score([batch])
        else:
            self.features(batch)

    def features(self, batch: Batch) -> Scored:
        """Compute only the features of a batch, without the model."""
        records, indexes, dead = batch.decoded()
        items = column_items(records) if isinstance(self._program, ColumnProgram) else records
        fed: FeedResult = self._program.feed(items, batch.lane.states[0])
        scored = Scored(fed.causes, fed.outputs, [None] * len(fed.causes), list(fed.failures))
        return scored if indexes is None else scored.map_causes(indexes).without(dict(dead))

    def _predicted(self, scored_batches: list[Scored], batches: Sequence[Batch]) -> list[Scored]:
        if self._champion is None:
            return scored_batches
        items = concat([scored.features for scored in scored_batches])
        if self._challenger:
            is_challenged = [
                batch.challenged is not None and batch.challenged[cause]
                for scored, batch in zip(scored_batches, batches, strict=True)
                for cause in scored.causes
            ]
            predictions = iter(call_both(self._champion, self._challenger, items, is_challenged))
        else:
            predictions = iter(self._champion(items))
        if self._shadow:
            watched = iter(self._shadow(items))
            scored_batches = [
                scored._replace(shadow=list(zip(scored.causes, watched)))  # noqa: B905  the next ones
                for scored in scored_batches
            ]
        return [scored.with_predictions(list(islice(predictions, len(scored.features)))) for scored in scored_batches]


def _with_posted(post: PostProcessor, scored: Scored, lane: Lane) -> Scored:
    """Add the items that the post pipeline emits; a record on which it fails becomes a dead letter."""
    posted, failures = post.feed(scored.causes, scored.features, scored.predictions, lane.states[1])
    return scored.without(dict(failures))._replace(posted=posted)
