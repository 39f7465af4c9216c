-- GoogLeNet as trained by the Berkeley Vision and Learning Center, 7.0 M parameters.
return {
  title = "BVLC GoogLeNet (Szegedy et al. 2014), ImageNet classifier",
  source = "BVLC/caffe, models/bvlc_googlenet",
  licence = "unrestricted use",
  weights = { "googlenet/googlenet.onnx", "googlenet.onnx",
              "googlenet/bvlc_googlenet.caffemodel", "bvlc_googlenet.caffemodel" },
  prototxt = "deploy.prototxt",
  preprocess = { size = { 224, 224 }, crop = "square", channels = "BGR", scale = 255,
                 mean = { 104, 117, 123 } },
  labels = "imagenet_labels.txt",
}
