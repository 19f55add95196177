"""The language dialects are written in: operations, fields, codes, times, signatures, limits, both halves over HTTP."""
