/**
 * Compresses the built files of a folder, so that the server need not: NAME.br, NAME.zst and NAME.gz beside NAME,
 * where that saves bytes. Zstandard needs Node.js 22.15; without it, NAME.zst is left out.
 *
 * As a program: node precompress.mjs FOLDER
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const MIN_BYTES = 1024; // as in gqlnews/server/compression.py
const { constants } = zlib;

const encoders = {
  br: (data) =>
    promisify(zlib.brotliCompress)(data, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
    }),
  gz: (data) => promisify(zlib.gzip)(data, { level: 9 }),
  ...(zlib.zstdCompress && {
    zst: (data) =>
      promisify(zlib.zstdCompress)(data, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
  }),
};

export async function precompress(folder) {
  const names = (await readdir(folder)).filter((name) => !/\.(br|gz|zst)$/.test(name));
  await Promise.all(names.map((name) => precompressFile(join(folder, name))));
}

async function precompressFile(path) {
  const data = await readFile(path);
  if (data.length < MIN_BYTES) return;
  await Promise.all(
    Object.entries(encoders).map(async ([suffix, encode]) => {
      const encoded = await encode(data);
      if (encoded.length < data.length) await writeFile(`${path}.${suffix}`, encoded);
    }),
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await precompress(process.argv[2]);
