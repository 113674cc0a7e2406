"""The compressors: what they remember is hidden in a library, so that no lane may contain one."""

from __future__ import annotations

UNTRACED = {
    f"compression.{name}": "hides its state in a library, which can neither save it nor take it back"
    for name in ("z.compress", "z.decompress", "zstd.compress", "zstd.decompress")
}
