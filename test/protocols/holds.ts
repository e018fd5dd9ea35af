/**
 * Imported by a server before it starts: a line of its log for each time its event loop was held, in
 * milliseconds of processor time, which does not pass while the machine does something else.
 */
const LONG = 3

function used(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

let last = used()
setInterval(() => {
  const now = used()
  if (now - last > LONG) console.log(JSON.stringify({ held: now - last }))
  last = now
}, 1).unref()
