import keras
import numpy as np
import tensorflow as tf

from tfwm.layers import PatchesToSpace, SpaceToPatches
from tfwm.models.circular import CircularConv2D
from tfwm.models.redmark import BlockTransform


def test_layers_convert_to_builtin_ops(tmp_path, gray_photo):
    image = keras.Input((None, None, 1))
    patches = SpaceToPatches((16, 32))(image)
    transform = BlockTransform((4, 8), "haar")
    x = CircularConv2D(32, 3, activation="elu")(transform(patches))
    residual = transform(CircularConv2D(32, 2)(x), inverse=True)
    model = keras.Model(image, PatchesToSpace((16, 32))([residual, image]))

    model.export(tmp_path / "model", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    cover = gray_photo[:, :64, :96]
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], cover.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], cover)
    interpreter.invoke()
    result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(result, model(cover), atol=1e-5)
