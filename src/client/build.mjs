// Builds the file that the package serves. With --check, fails where what is committed differs from a fresh build, or is too big.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const most = 8 * 1024;
const served = new URL('../Comet.AspNetCore/wwwroot/', import.meta.url);

const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints: ['main.js'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  sourcemap: true,
  outfile: fileURLToPath(new URL('comet.js', served)),
  banner: { js: '// CometSource: comet.d.ts documents it; src/client has the source.' },
  write: false,
});

let isRight = true;
for (const { path, text } of outputFiles) {
  if (!process.argv.includes('--check')) await writeFile(path, text);
  else if (await readFile(path, 'utf8').catch(() => '') !== text) {
    console.error(`${path} is not what the source says: run "npm run build" in src/client.`);
    isRight = false;
  }
}
const script = outputFiles.find(({ path }) => path.endsWith('.js')).contents;
const compressed = gzipSync(script, { level: 9 }).length;
console.log(`comet.js: ${script.length} bytes, ${compressed} with gzip, ${brotliCompressSync(script).length} with Brotli`);
if (compressed > most) {
  console.error(`It must not have more than ${most} bytes with gzip.`);
  isRight = false;
}
process.exitCode = isRight ? 0 : 1;
