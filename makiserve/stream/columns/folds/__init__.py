"""Reductions in column form: partial results as arrays, with the bits of the row engine."""

from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, broadcast, part
from makiserve.stream.columns.folds.form_choice import column_fold
from makiserve.stream.columns.folds.objects import ObjectFold

__all__ = ["Arrays", "ColumnFold", "ObjectFold", "Reading", "broadcast", "column_fold", "part"]
