import { cpSync } from 'node:fs'

/** Copies files that the compiler does not: the kernel, and the playground, whose types are removed when it is served. */
for (const asset of ['kernel/kernel.wasm', 'playground']) {
  cpSync(`src/${asset}`, `dist/src/${asset}`, { recursive: true })
}
