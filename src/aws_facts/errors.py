"""Errors of services: their HTTP statuses, and what Step Functions calls them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

# Of errors that the models of the services lack, or have without a status:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "AccessDenied": 403,
        "AccessDeniedException": 400,
        "ExpiredToken": 400,
        "ExpiredTokenException": 400,
        "InternalError": 500,
        "InternalFailure": 500,
        "InternalServerError": 500,
        "InternalServerException": 500,
        "InternalServiceException": 500,
        "NoSuchBucket": 404,
        "NoSuchKey": 404,
        "RequestTimeTooSkewed": 403,
        "ServiceException": 500,
        "ServiceUnavailable": 503,
        "ServiceUnavailableException": 503,
        "SignatureDoesNotMatch": 403,
        "SlowDown": 503,
        "TooManyRequestsException": 429,
    }
)


class Names(NamedTuple):
    """How an optimized integration names errors. `base`: one that has no name of its own."""

    prefix: str
    base: str


# Step Functions' optimized integrations name an error after the class that the SDK for Java 1.x throws: where the
# service has none for it, as for throttling, that is the client's own.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html has Lambda.AWSLambdaException;
# the classes are those of https://docs.aws.amazon.com/AWSJavaSDK/latest/javadoc/
OPTIMIZED: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "dynamodb": Names("DynamoDB", "AmazonDynamoDBException"),
        "events": Names("EventBridge", "AmazonEventBridgeException"),
        "glue": Names("Glue", "AWSGlueException"),
        "lambda": Names("Lambda", "AWSLambdaException"),
        "sns": Names("SNS", "AmazonSNSException"),
        "sqs": Names("SQS", "AmazonSQSException"),
        "states": Names("StepFunctions", "AWSStepFunctionsException"),
    }
)
# Errors that models have by now, and that came to none of those classes: definitions all over GitHub retry
# Glue.AWSGlueException for the throttling of StartJobRun.
NOT_IN_THE_CLASSES: Final = frozenset({"ThrottlingException"})
# What the SDK itself throws where no answer comes.
NO_ANSWER: Final = "SdkClientException"
