"""Files of feedback become records with line numbers, and records become rows of known fields.

Knows nothing of the database, of HTTP, or of who asks; holds one record in memory at a time.
"""

from cfm_workflow.intake.encoding import Encoding, detect_encoding
from cfm_workflow.intake.identity import Fingerprints, fingerprint
from cfm_workflow.intake.mapping import FeedbackRow, Mapping
from cfm_workflow.intake.reading import BadRecord, Record, RecordFile, open_records
from cfm_workflow.intake.refusals import FileRefused, RowError

__all__ = [
    "BadRecord",
    "Encoding",
    "FeedbackRow",
    "FileRefused",
    "Fingerprints",
    "Mapping",
    "Record",
    "RecordFile",
    "RowError",
    "detect_encoding",
    "fingerprint",
    "open_records",
]
