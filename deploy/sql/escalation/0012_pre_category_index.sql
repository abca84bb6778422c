-- What is usual is asked by category: eight weeks of one, not of all that a county reports.
CREATE INDEX warning_report_of_category ON warning_report (county, category, at);
