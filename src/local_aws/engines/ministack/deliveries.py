"""What EventBridge, Scheduler and alarms do with roles, policies and keys, which MiniStack does without asking for any.

What a target's role, its own policy or its key does not allow is not delivered: AWS tells nobody, but puts the event
into the dead-letter queue, where there is one. To CloudWatch Logs MiniStack delivers nothing; here it is done.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aws_facts.permissions import LOG_SENDER_ACTIONS, LOG_SENDERS
from local_aws.engines.event_faults import deliver
from local_aws.engines.ministack.keys import Keys, Sender
from local_aws.engines.ministack.roles import Roles
from local_aws.engines.ministack.schedules import deliveries, is_schedule, meant_moment
from local_aws.engines.ministack.task_calls import Location, ResourceAction
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.faults.fault_rules import Faults

_log = logging.getLogger(__name__)
_EVENTS, _SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"
_ROLE_ACTIONS = {"states": "states:StartExecution", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}


class Deliveries:
    """The targets of EventBridge and Scheduler, and the topics of CloudWatch's alarms."""

    def __init__(self, place: Location, roles: Roles, keys: Keys, faults: Faults) -> None:
        self._faults = faults
        self._place = place
        self._roles = roles
        self._keys = keys

    def install(self) -> None:
        """Ask before MiniStack invokes a target, publishes for an alarm or hands a message of a topic to a queue."""
        from ministack.services import cloudwatch, eventbridge, scheduler, sns

        # Ten seconds would be long for who waits for a schedule.
        scheduler._SCHEDULE_TICK_INTERVAL = 1
        invoke, publish = eventbridge._invoke_target, cloudwatch._dispatch_alarm_actions

        def invoke_permitted(target: JsonObject, event: Any, rule: Any, *further: Any) -> Any:
            arn = str(target.get("Arn", ""))
            try:
                self._require(target, rule)
                if ":logs:" in arn:
                    return self._write_log(arn, rule, event)
                if not is_schedule(rule):
                    return invoke(target, event, rule, *further)
                for delivered in deliveries(target, rule, _meant_moment(rule)):
                    invoke(delivered, event, rule, *further)
            except AwsError as error:
                _log.warning("EventBridge did not reach %s: %s", arn, error.message)
                self._keep(target, rule, event)
            return None

        def publish_permitted(alarm: JsonMapping, *further: object) -> Any:
            lists = ("AlarmActions", "OKActions", "InsufficientDataActions")
            permitted = {name: [arn for arn in alarm.get(name) or [] if self._may_alarm(alarm, arn)] for name in lists}
            return publish({**alarm, **permitted}, *further)

        hand_over = sns._deliver_to_sqs

        def hand_over_permitted(queue: str, *message: object, topic_arn: str = "", **further: object) -> None:
            # MiniStack itself asks the queue's policy.
            if refusal := self._keys.refuse_sender(Sender("sns.amazonaws.com", topic_arn), queue):
                _log.warning("SNS did not send to %s: %s", queue, refusal.message)
                return
            hand_over(queue, *message, topic_arn=topic_arn, **further)

        sns._deliver_to_sqs = hand_over_permitted

        def invoke_or_not(target: JsonObject, event: object, rule: Any, *further: object) -> None:
            def as_delivered() -> JsonObject:
                found: JsonObject = eventbridge._pattern_event_view(event).event_with_detail()
                return found

            name, arn = str(rule.get("Name", "")), str(target.get("Arn", ""))
            deliver(self._faults, name, arn, as_delivered, lambda: invoke_permitted(target, event, rule, *further))

        eventbridge._invoke_target = invoke_or_not
        cloudwatch._dispatch_alarm_actions = publish_permitted

    def _may_alarm(self, alarm: Mapping[str, object], topic: str) -> bool:
        if ":sns:" not in topic:
            return True
        source = self._place.arn("cloudwatch", f"alarm:{alarm.get('AlarmName')}")
        try:
            self._require_send(topic, Sender("cloudwatch.amazonaws.com", source))
        except AwsError as error:
            _log.warning("CloudWatch did not publish to %s: %s", topic, error.message)
            return False
        return True

    def _require(self, target: Mapping[str, object], rule: JsonMapping) -> None:
        arn, source = str(target.get("Arn", "")), str(rule.get("Arn", ""))
        service = (arn.split(":") + [""] * 3)[2]
        if is_schedule(rule):
            role = str(target.get("RoleArn", ""))
            self._refuse(self._keys.refuse_role(role, "scheduler", "scheduler", rule.get("KmsKeyArn")))
            if action := _ROLE_ACTIONS.get(service):
                self._require_schedule(role, source, ResourceAction(action, arn))
        elif service == "states":
            role = str(target.get("RoleArn", ""))
            self._roles.require(
                role, _EVENTS, "eventbridge", [ResourceAction("states:StartExecution", arn)], source_arn=source
            )
        elif service in ("sqs", "sns"):
            self._require_send(arn, Sender(_EVENTS, source))
        elif service == "lambda":
            self._require_invoke(arn, source)

    def _require_schedule(self, role: str, source: str, call: ResourceAction) -> None:
        # A schedule is known by its group: https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        group = source.rpartition("/")[0].replace(":schedule/", ":schedule-group/")
        self._roles.require(role, _SCHEDULER, "scheduler", [call], source_arn=group)

    def _require_send(self, arn: str, sender: Sender) -> None:
        """What a service sends to a topic or queue by itself, it sends by their policies and their keys' alone."""
        from ministack.core import iam_evaluator

        service = arn.split(":")[2]
        policy, _ = iam_evaluator._resource_policy(service, arn) or ("", None)
        if not self._allows(policy, sender.principal, _ROLE_ACTIONS[service], arn, sender.source):
            raise _refused(sender.principal, _ROLE_ACTIONS[service], arn)
        self._refuse(self._keys.refuse_sender(sender, arn))

    def _require_invoke(self, arn: str, source: str) -> None:
        """Whether the policy of a function lets a rule call it.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions
        """
        from ministack.core import iam_evaluator

        policy, _ = iam_evaluator._resource_policy("lambda", arn) or ("", None)
        if not self._allows(policy, _EVENTS, "lambda:InvokeFunction", arn, source):
            raise _refused(_EVENTS, "lambda:InvokeFunction", arn)

    def _write_log(self, arn: str, rule: Mapping[str, object], event: JsonMapping) -> None:
        """Whether the policies of the logs let a rule write there.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        """
        from ministack.services import cloudwatch_logs, eventbridge

        group = arn.partition(":log-group:")[2].removesuffix(":*")
        stream = str(event.get("EventId") or event.get("id"))
        name = self._place.arn("logs", f"log-group:{group}:log-stream:{stream}")
        policies = [str(found["policyDocument"]) for found in cloudwatch_logs._resource_policies.values()]
        for action, has_source in LOG_SENDER_ACTIONS.items():
            source = str(rule.get("Arn", "")) if has_source else None
            for principal in LOG_SENDERS:
                if not any(self._allows(policy, principal, action, name, source) for policy in policies):
                    raise _refused(principal, action, name)
        view = eventbridge._pattern_event_view(event)
        line = {"timestamp": int(1000 * float(event.get("Time") or 0)), "message": json.dumps(view.event_with_detail())}
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
        cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [line]})

    def _keep(self, target: JsonMapping, rule: Mapping[str, object], event: object) -> None:
        """Put an event that was not delivered into the target's dead-letter queue."""
        from ministack.core.arn import parse_arn
        from ministack.services import eventbridge

        queue = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
        if not queue:
            return
        source = str(rule.get("Arn", ""))
        try:
            if is_schedule(rule):
                self._require_schedule(str(target.get("RoleArn", "")), source, ResourceAction("sqs:SendMessage", queue))
            else:
                self._require_send(queue, Sender(_EVENTS, source))
        except AwsError as error:
            _log.warning("EventBridge did not keep an event in %s: %s", queue, error.message)
            return
        view = eventbridge._pattern_event_view(event)
        eventbridge._dispatch_to_sqs(parse_arn(queue), json.dumps(view.event_with_detail()))

    def _allows(self, policy: str, principal: str, action: str, resource: str, source: str | None) -> bool:
        from ministack.core import iam_evaluator

        known = {"aws:sourcearn": source, "aws:sourceaccount": self._place.account_id} if source else {}
        context = iam_evaluator.EvalContext(
            principal_arn=principal,
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=resource,
            region=self._place.region,
            # Between AWS's services everything is encrypted.
            secure_transport=True,
            service_context={"aws:tagkeys": None, **known},
        )
        return bool(iam_evaluator.evaluate_resource_policy(policy, context, service=principal).decision == "Allow")

    @staticmethod
    def _refuse(refusal: Any) -> None:
        if refusal:
            raise AwsError("AccessDeniedException", refusal.message)


def _meant_moment(schedule: JsonMapping) -> datetime:
    """The moment that a schedule of MiniStack's, which has just become due, is due for."""
    from ministack.services import eventbridge, scheduler

    expression = str(schedule["ScheduleExpression"])
    fields = eventbridge._parse_cron_fields(expression)
    return meant_moment(
        datetime.now(UTC),
        once=scheduler._at_time_epoch(expression),
        created=float(schedule["CreationDate"]),
        interval=eventbridge._parse_rate_seconds(expression),
        after=lambda moment: eventbridge._cron_next_fire(fields, moment),
    )


def _refused(principal: str, action: str, resource: str) -> AwsError:
    message = (
        f"User: {principal} is not authorized to perform: {action} on resource: {resource} because no resource-based "
        f"policy allows the {action} action"
    )
    return AwsError("AccessDeniedException", message)
