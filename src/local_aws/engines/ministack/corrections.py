"""What AWS's services do with a request that MiniStack does not: entries refused, names refused, members answered.

EventBridge's entries: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
S3's answers: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
Tags of an upload in parts: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from aws_facts import messages
from local_aws.json_types import JsonMapping, JsonObject

_REQUIRED: Final = ("Source", "DetailType", "Detail")
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
SECRET_NAME_REFUSED: Final = (
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
)


def refusal(entry: JsonMapping) -> dict[str, str] | None:
    """What EventBridge answers to an entry that it refuses; None to one that it takes."""
    for name in _REQUIRED:
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def install() -> None:
    """Have MiniStack do it too."""
    _refuse_entries()
    _create_secrets()
    _answer_as_s3()
    _tag_uploads()
    _refuse_messages()


def _refuse_entries() -> None:
    from ministack.core.responses import error_response_json
    from ministack.services import eventbridge

    put = eventbridge._put_events

    def put_valid(data: JsonObject, *arguments: object, **named: object) -> Any:
        entries = data.get("Entries", [])
        if not entries:
            return error_response_json("ValidationException", messages.NO_ENTRIES_REFUSED, 400)
        refusals = [refusal(entry) for entry in entries]
        if not any(refusals):
            return put(data, *arguments, **named)
        taken = [entry for entry, refused in zip(entries, refusals, strict=True) if refused is None]
        status, headers, body = put({**data, "Entries": taken}, *arguments, **named)
        if status >= 400:
            return status, headers, body
        answer = json.loads(body)
        given = iter(answer["Entries"])
        merged = [refused or next(given) for refused in refusals]
        failed = sum("ErrorCode" in one for one in merged)
        return status, headers, json.dumps({"FailedEntryCount": failed, "Entries": merged}).encode()

    eventbridge._put_events = put_valid


def _create_secrets() -> None:
    """Refuse names, and give a secret without a value no version of it."""
    from ministack.core.responses import error_response_json
    from ministack.services import secretsmanager

    create = secretsmanager._create_secret

    def create_named(data: JsonObject, *arguments: object, **named: object) -> Any:
        if not SECRET_NAME.fullmatch(str(data.get("Name", ""))):
            return error_response_json("ValidationException", SECRET_NAME_REFUSED, 400)
        status, headers, body = create(data, *arguments, **named)
        if status >= 400 or "SecretString" in data or "SecretBinary" in data:
            return status, headers, body
        _, secret = secretsmanager._resolve(data["Name"])
        secret["Versions"].clear()
        answer = {name: value for name, value in json.loads(body).items() if name != "VersionId"}
        return status, headers, json.dumps(answer).encode()

    secretsmanager._create_secret = create_named


def _answer_as_s3() -> None:
    from ministack.services import s3

    default_encryption, build, put = s3._bucket_default_sse_headers, s3._build_object_record, s3._put_object

    def encrypted(bucket: str) -> dict[str, str]:
        # Since 2023 S3 encrypts each object, and says so.
        return default_encryption(bucket) or {"x-amz-server-side-encryption": "AES256"}

    def build_typed(body: object, headers: dict[str, str], *arguments: object, **named: object) -> Any:
        return build(body, {"content-type": "binary/octet-stream", **headers}, *arguments, **named)

    def put_with_checksum(bucket: str, key: str, body: object, headers: dict[str, str]) -> Any:
        status, answered, content = put(bucket, key, body, headers)
        if status == 200:
            kept = s3._ensure_bucket(bucket)["objects"][key].get("checksums") or {}
            answered.update({f"x-amz-checksum-{name.lower()}": value for name, value in kept.items()})
            if kept:
                answered["x-amz-checksum-type"] = "FULL_OBJECT"
        return status, answered, content

    s3._bucket_default_sse_headers, s3._build_object_record, s3._put_object = encrypted, build_typed, put_with_checksum


def _tag_uploads() -> None:
    from ministack.services import s3

    create, complete = s3._create_multipart_upload, s3._complete_multipart_upload

    def create_tagged(bucket: str, key: str, headers: dict[str, str]) -> Any:
        tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
        if len(tags) > 10:
            return s3._error("BadRequest", "Object tags cannot be greater than 10", 400)
        status, answered, content = create(bucket, key, headers)
        if status == 200 and (made := re.search(rb"<UploadId>(.+?)</UploadId>", content)):
            s3._multipart_uploads[made[1].decode()]["tags"] = tags
        return status, answered, content

    def complete_tagged(bucket: str, key: str, body: object, query: object, headers: object = None) -> Any:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        status, answered, content = complete(bucket, key, body, query, headers)
        if status == 200 and upload:  # once it is whole, a repeated request finds no upload
            whole = s3._ensure_bucket(bucket)["objects"][key]
            s3._object_tags[bucket, key, whole.get("version_id")] = upload["tags"]
        return status, answered, content

    s3._create_multipart_upload, s3._complete_multipart_upload = create_tagged, complete_tagged


def _refuse_messages() -> None:
    from ministack.services import sns, sqs

    publish, publish_batch, send = sns._publish, sns._publish_batch, sqs._act_send_message

    def publish_valid(parameters: Any) -> Any:
        subject = sns._p(parameters, "Subject") if "Subject" in parameters else None
        structure = sns._p(parameters, "MessageStructure")
        if refused := messages.publish_refusal(sns._p(parameters, "Message"), subject, structure):
            return sns._error(messages.PUBLISH_ERROR, refused, 400)
        return publish(parameters)

    def publish_valid_batch(parameters: object) -> Any:
        # One message that is wrong is a refusal of all, as of the attributes of messages.
        for entry in sns._parse_batch_entries(parameters):
            structure = entry.get("message_structure")
            if refused := messages.publish_refusal(entry.get("message") or "", entry.get("subject") or None, structure):
                return sns._error(messages.PUBLISH_ERROR, refused, 400)
        return publish_batch(parameters)

    def send_valid(data: JsonObject, *arguments: object, **named: object) -> Any:
        if refused := messages.body_refusal(data.get("MessageBody")):
            raise sqs._Err(messages.NO_BODY_ERROR, refused)
        delay = data.get("DelaySeconds")
        if refused := messages.delay_refusal(None if delay is None else int(delay)):
            raise sqs._Err(messages.DELAY_ERROR, refused)
        return send(data, *arguments, **named)

    def resolve(message: str, structure: str, protocol: str) -> str:
        if structure != "json":
            return message
        texts = messages.texts_by_protocol(json.loads(message))
        return texts.get(protocol, texts["default"])

    sns._resolve_message_for_protocol = resolve
    sns._publish, sns._publish_batch, sqs._act_send_message = publish_valid, publish_valid_batch, send_valid
    for table in [found for found in vars(sqs).values() if isinstance(found, dict)]:
        if table.get("SendMessage") is send:
            table["SendMessage"] = send_valid
