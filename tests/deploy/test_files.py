"""The files of `deploy/`, held to the schemas of what reads them."""

import importlib.util
import json
from pathlib import Path

import pytest

from tfwm.serving.export import BATCHING, MODELS, SERVED

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[2] / "deploy"
KSERVE = ("apiVersion", "kind", "metadata", "spec")


def documents(name):
    return list(yaml.safe_load_all((ROOT / name).read_text()))


def test_compose():
    jsonschema = pytest.importorskip("jsonschema")
    package = importlib.util.find_spec("check_jsonschema")  # which brings the schema
    if package is None:
        pytest.skip("needs check-jsonschema")
    place = Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(place.read_text())
    (compose,) = documents("compose.yaml")
    jsonschema.validators.validator_for(schema)(schema).validate(compose)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"a": {"portz": []}}}, schema)
    told = compose["services"]["serving"]["command"]
    assert f"--model_config_file={SERVED}/{MODELS}" in told
    assert f"--batching_parameters_file={SERVED}/{BATCHING}" in told


def test_kubernetes():
    validate = pytest.importorskip("kubernetes_validate")
    found = documents("kubernetes/tensorflow-serving.yaml")
    for document in found:
        validate.validate(document, "1.36", strict=True)
    deployment, service = found
    with pytest.raises(validate.ValidationError):
        validate.validate({**service, "spec": {"portz": []}}, "1.36", strict=True)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    args = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--model_config_file={SERVED}/{MODELS}" in args


def test_kserve():
    (document,) = documents("kubernetes/kserve.yaml")
    assert document["apiVersion"] == "serving.kserve.io/v1beta1"
    assert document["kind"] == "InferenceService"
    assert set(document) == set(KSERVE)
    predictor = document["spec"]["predictor"]
    assert set(predictor) == {"minReplicas", "maxReplicas", "model"}
    assert set(predictor["model"]) == {"modelFormat", "runtime", "storageUri", "resources"}
