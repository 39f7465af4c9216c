-- The network that comes with the project: 40 classes, 64x64 pictures, 2.4 M parameters. See README.md here.
return {
  title = "ZFNet for 64x64 pictures, 40 classes of Tiny ImageNet; trained by `switchback train`",
  source = "this project, models/README.md",
  licence = "that of the project; pictures: ImageNet's terms, non-commercial research",
  weights = { "zfnet64.safetensors" },
}
