// ONNX Runtime's side of a workload: peer_onnxruntime.js SPEC.json THREADS. Speaks as ours.lua does.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const spec = JSON.parse(fs.readFileSync(process.argv[2]));
const ort = require(path.resolve(path.dirname(process.argv[2]), 'node_modules/onnxruntime-node'));

function readTensor(file, name) {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const entry = JSON.parse(bytes.subarray(8, 8 + length))[name];
  const [first, last] = entry.data_offsets.map((n) => n + 8 + length);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + first, bytes.byteOffset + last));
  return new ort.Tensor('float32', values, entry.shape);
}

function writeTensor(file, values) {
  const entry = { dtype: 'F32', shape: [values.length], data_offsets: [0, values.byteLength] };
  const header = Buffer.from(JSON.stringify({ output: entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  fs.writeFileSync(file, Buffer.concat([length, header,
    Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
}

async function main() {
  const session = await ort.InferenceSession.create(spec.onnx_file,
    { intraOpNumThreads: Number(process.argv[3]), interOpNumThreads: 1 });
  const feeds = { data: readTensor(spec.tensors, 'input') };
  let output;
  const answers = {
    async run(runs) {
      const started = process.hrtime.bigint();
      for (let i = 0; i < Number(runs); i++) output = (await session.run(feeds)).output;
      return (Number(process.hrtime.bigint() - started) / 1e6 / Number(runs)).toFixed(6);
    },
    async output(file) {
      writeTensor(file, first);
      return 'ok';
    },
    async memory() {
      const kib = /VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
      return (kib / 1024).toFixed(1);
    },
  };
  const firstMs = await answers.run(1);
  const first = Float32Array.from(output.data);
  console.log(`ready ${firstMs}`);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [what, argument] = line.split(' ');
    console.log(await answers[what](argument));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
