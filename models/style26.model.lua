-- 26 styles in one network. Its inputs are a picture and the weight of each style.
return {
  title = "A learned representation for artistic style (Dumoulin, Shlens & Kudlur 2017), 26 styles",
  source = "stylize_quantized.pb of the TensorFlow Android demo (Magenta), 8-bit weights made float32",
  licence = "Apache-2.0",
  weights = { "style/style26.safetensors", "style26.safetensors" },
  network = "dumoulin",
  preprocess = { channels = "RGB" },
}
