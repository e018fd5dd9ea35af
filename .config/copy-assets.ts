import { cpSync, globSync } from 'node:fs'

/** Copies files that the compiler does not: the kernel, the weights of the language model, and the files of pages that are sent as they are. */
const assets = [
  'kernel/kernel.wasm',
  ...globSync('language-model/*.bin', { cwd: 'src' }),
  'playground/index.html',
  'playground/kelvin.svg',
  'playground/docs.js',
  'playground/styles/theme.css',
  'playground/styles/docs.css',
  ...globSync('playground/sign-in/*', { cwd: 'src' }),
]
for (const asset of assets) cpSync(`src/${asset}`, `dist/src/${asset}`)
