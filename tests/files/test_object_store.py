"""Files in an S3-compatible store, spoken to over real HTTP."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from portal.database import transaction
from portal.files import storage
from portal.files.intake import examine
from portal.files.services import content_of, keeping
from tests.factories import NOON, serial
from tests.files import uploads


@pytest.fixture(scope="module")
def server():
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    store.start()
    yield store.get_host_and_port()
    store.stop()


@pytest.fixture
def bucket(app, server, monkeypatch):
    """FILES_URL and the usual variables, as an operator would set them."""
    host, port = server
    for variable, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(variable, value)
    name = f"papers-{next(serial)}"
    boto3.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    before = app.config["FILES_URL"]
    app.config["FILES_URL"] = f"s3://{name}/portal"
    yield boto3.resource("s3").Bucket(name)
    app.config["FILES_URL"] = before


def test_a_document_lies_encrypted_in_the_bucket_and_comes_back(bucket):
    with keeping(examine(uploads.pdf()), kind="passport", now=NOON) as file, transaction() as session:
        session.add(file)

    [entry] = bucket.objects.all()
    sealed = entry.get()["Body"].read()

    assert b"%PDF" not in sealed
    assert content_of(file)[:5] == b"%PDF-"
    assert [path for path, _ in storage.written()] == [file.path]


def test_a_failed_transaction_leaves_nothing_in_the_bucket(bucket):
    def fail() -> None:
        with keeping(examine(uploads.jpeg()), kind="passport", now=NOON), transaction():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert list(bucket.objects.all()) == []
