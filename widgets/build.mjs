// Bundles the widgets into connector/web/bundles: the loader, which names the folder that the
// service serves the rest from, and that folder's files. The name is a hash over all of them.
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build, transform } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here('../connector/web/bundles/');
const common = { bundle: true, minify: true, write: false, target: 'es2022', legalComments: 'none' };

/** Style sheets become text; esbuild minifies them and lowers nothing. */
const styles = {
  name: 'styles',
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { outputFiles } = await build({ ...common, entryPoints: [path], bundle: false, target: [] });
      return { contents: outputFiles[0].text.trim(), loader: 'text' };
    });
  },
};

/** Bundle one entry point to its text. */
async function bundle(entry, format, define = {}) {
  const options = { ...common, plugins: [styles], format, define, external: ['http*'] };
  const { outputFiles } = await build({ ...options, entryPoints: [here(entry)] });
  return outputFiles[0].text;
}

const files = {
  'launcher.js': await bundle('src/launcher/launcher.ts', 'esm'),
  'panel.js': await bundle('src/panel/panel.ts', 'esm'),
  'views.js': await bundle('src/panel/views.ts', 'esm'),
  'look.js': await bundle('src/panel/look.ts', 'esm'),
};
for (const name of await readdir(here('src/platforms'))) {
  files[name.replace('.ts', '.js')] = await bundle(`src/platforms/${name}`, 'esm');
}
for (const name of await readdir(here('src/locales'))) {
  const { default: text } = await import(`./src/locales/${name}`, { with: { type: 'json' } });
  const { code } = await transform(`export default ${JSON.stringify(text)}`, {
    minify: true,
    charset: 'utf8',
  });
  files[name.replace('.json', '.js')] = code;
}
const hashed = createHash('sha256');
const loader = await bundle('src/loader.ts', 'iife', { HASH: '"{hash}"' });
for (const [name, text] of Object.entries({ ...files, 'loader.js': loader })) hashed.update(`${name}\n${text}\n`);
const hash = hashed.digest('hex').slice(0, 12);
files['loader.js'] = loader.replace('{hash}', hash);

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const sizes = {};
for (const [name, text] of Object.entries(files)) {
  await writeFile(out + name, text);
  sizes[name] = { bytes: Buffer.byteLength(text), brotli: brotliCompressSync(text).length };
}
await writeFile(`${out}manifest.json`, JSON.stringify({ loader: 'loader.js', hash, files: sizes }, null, 2));
for (const [name, { bytes, brotli }] of Object.entries(sizes)) console.log(`${name}  ${bytes} B  ${brotli} B brotli`);
