"""EventBridge Scheduler: what it puts into an input, and how often it delivers one.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html
"""

from __future__ import annotations

# Keywords that are replaced wherever they stand in an input.
SCHEDULE_ARN = "<aws.scheduler.schedule-arn>"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
EXECUTION_ID = "<aws.scheduler.execution-id>"  # of each attempt, such as d32c5kddcf5bb8c3
ATTEMPT_NUMBER = "<aws.scheduler.attempt-number>"

# The moment that was meant, in UTC, as strftime writes it: 2022-03-22T18:59:43Z.
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

# It delivers at least once. So each moment may come this often, and more; the local endpoint always does it.
DELIVERIES = 2
