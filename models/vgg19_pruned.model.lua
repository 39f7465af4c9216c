-- VGG-19 up to relu5_1 with a quarter of its filters, 0.8 M parameters: for style and texture.
-- Its first layer scales, so pictures go in as they are.
return {
  title = "VGG-19 to relu5_1, pruned (Wang et al. 2020), encoder of Collaborative Distillation",
  source = "MingSun-Tse/Collaborative-Distillation",
  licence = "MIT",
  weights = { "vgg19_pruned/encoder5.onnx", "encoder5.onnx" },
  preprocess = { channels = "RGB" },
}
