"""GitHub's secret scanning partner program: its public keys, the signatures of its reports, the reports."""
