"""Photos that no report shows are swept out: their report was refused at the last moment, or never kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.intake.custody import Custody

OLD_ENOUGH: Final = timedelta(days=1)
"""A photo that no report shows is left alone so long: time for whoever looks into what went wrong."""
NOTES_A_ROUND: Final = 500


async def sweep_photos(found: Sequence[tuple[str, datetime]], *, custody: Custody) -> int:
    """Remove those of ``found`` that were last written more than a day ago and that no report shows; how many."""
    before = custody.clock() - OLD_ENOUGH
    old = sorted({photo_id for photo_id, at in found if at < before})
    if custody.photos is None or not old:
        return 0
    burnt = await custody.photos.burn(old)
    if burnt:
        custody.watch.removed("photos_unshown", burnt)
    return burnt


async def forget_uploads(*, custody: Custody) -> int:
    """Forget that photos were on their way which have arrived long ago; how many."""
    return 0 if custody.photos is None else await custody.photos.forget(most=NOTES_A_ROUND)
