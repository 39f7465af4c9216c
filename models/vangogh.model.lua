-- Seven networks for one style each, after paintings of Van Gogh; each is also known by the name of its file.
return {
  title = "Fast style transfer (Johnson et al. 2016), 28 thousand parameters, seven paintings of Van Gogh",
  source = "acerwebai/VangoghCrazyWorld",
  licence = "MIT",
  weights = {
    "style/vangogh_starry_night.onnx", "style/vangogh_bedroom.onnx", "style/vangogh_la_campesinos.onnx",
    "style/vangogh_self_portrait.onnx", "style/vangogh_sien_with_a_cigar.onnx",
    "style/vangogh_sunflowers_bew.onnx", "style/vangogh_wheatfield_with_crows.onnx",
    "vangogh_starry_night.onnx", "vangogh_bedroom.onnx", "vangogh_la_campesinos.onnx",
    "vangogh_self_portrait.onnx", "vangogh_sien_with_a_cigar.onnx", "vangogh_sunflowers_bew.onnx",
    "vangogh_wheatfield_with_crows.onnx",
  },
  preprocess = { channels = "RGB", scale = 255 },
}
