-- Tiny Darknet, 1.0 M parameters. Its classes are in darknet's own order.
return {
  title = "Tiny Darknet (Redmon), ImageNet classifier",
  source = "ml5js/ml5-data-and-models, models/darknetclassifier/darknettiny",
  licence = "MIT (weights), public domain (darknet and its list of labels)",
  weights = { "tinydarknet/tinydarknet.onnx", "tinydarknet.onnx" },
  preprocess = { size = { 224, 224 }, crop = "square", channels = "RGB" },
  labels = "tinydarknet_labels.txt",
}
