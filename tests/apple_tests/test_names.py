import importlib.util
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.paths import ROOT

GENERATOR = ROOT / "tools" / "pyobjc_names.py"


def test_selectors_and_constants_are_read_from_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "pyobjc_framework_coreml-9.9-cp311-cp311-macosx_10_9_universal2.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "CoreML/_metadata.py",
            'constants = """$MLOne$MLTwo$"""\nenums = """$MLAll@2$"""\n'
            'r(b"MLA", b"make:handler:error:", {"retval": {"type": b"Z"}, "arguments": {3: {"callable": '
            '{"retval": {"type": b"v"}, "arguments": {0: {"type": b"^v"}, 1: {"type": b"@"}}}}, '
            '4: {"type_modifier": b"o"}}})\n'
            'objc.registerNewKeywords("MLA", ("double",), "aWithDouble_")\n',
        )
        archive.writestr(
            "CoreML/__init__.py",
            'for cls, sel in (("MLA", b"init"), ("MLA", b"new")):\n    objc.registerUnavailableMethod(cls, sel)\n',
        )
    quartz = tmp_path / "pyobjc_framework_quartz-8.8-cp311-cp311-macosx_10_9_universal2.whl"
    with zipfile.ZipFile(quartz, "w") as archive:
        archive.writestr(
            "Quartz/CoreVideo/_metadata.py",
            'enums = """$kCVPixelFormatType_Some@7$kCVReturnBad@-1$kCVTimeIsIndefinite@1$"""\n'
            'functions = {"CVPixelBufferCreateIt": (b"iQ", "", {}), "CVDisplayLinkStart": (b"i",)}\n',
        )
    spec = importlib.util.spec_from_file_location("pyobjc_names", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.table(wheel, quartz) == {
        "pyobjc-framework-CoreML": "9.9",
        "constants": ["MLOne", "MLTwo"],
        "enums": {"MLAll": 2},
        "selectors": {
            "MLA": {
                "aWithDouble:": {},
                "make:handler:error:": {"returns_bool": True, "blocks": {"1": ["^v", "@"]}, "out": [2]},
            }
        },
        "unavailable": [["MLA", "init"], ["MLA", "new"]],
        "Quartz": {
            "pyobjc-framework-Quartz": "8.8",
            "enums": {"kCVPixelFormatType_Some": 7, "kCVReturnBad": -1},
            "functions": {"CVPixelBufferCreateIt": "iQ"},
        },
    }


def test_stand_in_method_missing_from_the_tables_is_refused(apple: SimpleNamespace) -> None:
    bridge, objects = apple.inside("bridge"), apple.inside("objects")
    body = {"__module__": "apple_standin.none", "invented": bridge.method()(lambda _self: None)}
    body["invented"].name = "invented"
    with pytest.raises(Exception, match="neither table of names has MLInvented invented"):
        bridge.ObjCClass("MLInvented", (objects.NSObject,), body)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: a.CoreML.MLModel.compileModelAtURL_eror_, AttributeError, "compileModelAtURL_eror_"),
        (lambda a: a.CoreML.MLUpdateTaskk, AttributeError, "no attribute 'MLUpdateTaskk'"),
        (lambda a: a.CoreML.MLComputeUnitsGPUOnly, AttributeError, "MLComputeUnitsGPUOnly"),
        (lambda a: a.Foundation.NSURL.fileURLWithPath_(), TypeError, "Need 1 arguments, got 0"),
        (lambda a: a.Foundation.NSURL.fileURLWithPath_(path="x"), TypeError, "no keyword arguments"),
        (lambda a: a.Foundation.NSURL.fileURLWithPath_(Path("x")), TypeError, "argument 0 may not be"),
        (lambda a: a.CoreML.MLModel.compileModelAtURL_error_("x", None), TypeError, "argument 0 may not be 'x'"),
        (lambda a: a.CoreML.MLFeatureValue.featureValueWithInt64_(np.int64(1)), TypeError, "NumPy scalar"),
        (lambda a: a.CoreML.MLFeatureValue.featureValueWithDouble_(np.float64(1)), TypeError, "NumPy scalar"),
        (lambda a: a.CoreML.MLFeatureValue.featureValueWithInt64_(True), TypeError, "argument 0 may not be True"),
        (lambda a: a.CoreML.MLModelConfiguration.alloc().computeUnits, AttributeError, "never initialised"),
        (lambda a: a.CoreML.MLUpdateTask.alloc().init, AttributeError, "'init'"),
        (lambda a: a.CoreML.MLModelConfiguration(), TypeError, "alloc"),
        (lambda a: a.CoreML.MLParameterKey.scopedTo_, AttributeError, "scopedTo_"),
        (lambda a: a.CoreML.MLParameterKey.weights().learningRate, AttributeError, "learningRate"),
        (lambda a: a.objc.protocolNamed("MLBatchProvders"), Exception, "MLBatchProvders"),
    ],
)
def test_call_missing_from_the_tables_is_refused(
    apple: SimpleNamespace, call: Callable[[SimpleNamespace], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(apple)


def test_out_parameter_other_than_none_is_refused(apple: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="out-parameter, pass None"):
        apple.CoreML.MLModel.compileModelAtURL_error_(apple.Foundation.NSURL.fileURLWithPath_("/x"), [])


def test_numpy_scalar_as_parameter_is_refused(apple: SimpleNamespace) -> None:
    configuration = apple.CoreML.MLModelConfiguration.alloc().init()
    assert configuration.parameters() is None
    with pytest.raises(TypeError, match="NumPy scalar"):
        configuration.setParameters_({apple.CoreML.MLParameterKey.epochs(): np.int64(3)})
    with pytest.raises(TypeError, match="may not be"):
        configuration.setParameters_({"epochs": 3})


def test_python_class_is_checked_against_its_protocols(apple: SimpleNamespace) -> None:
    protocols = [apple.objc.protocolNamed("MLBatchProvider")]
    with pytest.raises(TypeError, match="featuresAtIndex:"):
        type(apple.Foundation.NSObject)(
            "Half", (apple.Foundation.NSObject,), {"count": lambda _self: 0}, protocols=protocols
        )
    # A name without underscores, or with one before it, is a selector without arguments.
    for wrong in ("feed", "_feed"):
        with pytest.raises(apple.objc.BadPrototypeError, match="0 arguments, the method takes 1"):
            type(apple.Foundation.NSObject)("Feeds", (apple.Foundation.NSObject,), {wrong: lambda _self, _row: None})
    with pytest.raises(apple.objc.BadPrototypeError, match="1 arguments, the method takes 2"):

        class Wrong(apple.Foundation.NSObject):
            def featuresAtIndex_(self, index: int, more: int) -> None: ...

    class Once(apple.Foundation.NSObject):
        def make_row(self, _row: int) -> None:
            """Stays Python's by its name."""

        @apple.objc.python_method
        def row(self, _row: int) -> None:
            """Stays Python's by its mark."""

    with pytest.raises(apple.objc.error, match="overriding existing Objective-C class"):

        class Once(apple.Foundation.NSObject):
            pass


def test_initialiser_needs_objc_super(apple: SimpleNamespace) -> None:
    class Plain(apple.Foundation.NSObject):
        def initWithRows_(self, rows: int) -> Any:
            return super().init() if rows == 0 else apple.objc.super(Plain, self).init()

    assert Plain.alloc().initWithRows_(1) is not None
    with pytest.raises(AttributeError, match="init"):
        Plain.alloc().initWithRows_(0)


def test_unknown_stand_in_variable_is_refused(apple: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLE_STANDIN_FIAL", "compile")
    with pytest.raises(ValueError, match="APPLE_STANDIN_FIAL is no knob"):
        apple.inside("knobs").check_knobs()
    monkeypatch.delenv("APPLE_STANDIN_FIAL")
    monkeypatch.setenv("APPLE_STANDIN_FAIL", "somewhere")
    with pytest.raises(ValueError, match="not 'somewhere'"):
        apple.inside("knobs").knob("FAIL")
