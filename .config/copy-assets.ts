import { cpSync } from 'node:fs'

/** What the compiler leaves where it is: the kernel, and the page, whose types are taken out when it is served. */
for (const asset of ['kernel/kernel.wasm', 'playground']) {
  cpSync(`src/${asset}`, `dist/src/${asset}`, { recursive: true })
}
