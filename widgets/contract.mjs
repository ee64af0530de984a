// Writes src/contract.ts from contract.schema.json; with --check only says whether it is current.
import { readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';

const source = new URL('contract.schema.json', import.meta.url);
const target = new URL('src/contract.ts', import.meta.url);
const bannerComment =
  '/** What the service answers. Written by `npm run contract` from contract.schema.json. */';

const schema = JSON.parse(await readFile(source, 'utf8'));
const wanted = await compile(schema, 'State', {
  additionalProperties: false,
  bannerComment,
  style: { singleQuote: true, printWidth: 100 },
});
if (process.argv.includes('--check')) {
  const found = await readFile(target, 'utf8').catch(() => '');
  if (found !== wanted) throw new Error('src/contract.ts is not current: run `npm run contract`');
} else {
  await writeFile(target, wanted);
}
