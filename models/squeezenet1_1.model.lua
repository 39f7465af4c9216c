-- SqueezeNet 1.1, 1.2 M parameters; the same weights in three formats.
return {
  title = "SqueezeNet 1.1 (Iandola et al. 2016), ImageNet classifier",
  source = "ONNX model zoo, squeezenet1.1",
  licence = "Apache-2.0",
  weights = { "squeezenet1_1/squeezenet1_1.onnx", "squeezenet1_1.onnx", "squeezenet1_1.safetensors",
              "squeezenet1_1.pth" },
  network = "squeezenet1_1",
  preprocess = { size = { 224, 224 }, crop = "square", channels = "RGB",
                 mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } },
  labels = "imagenet_labels.txt",
}
