// Builds static/css, static/js, static/img and the fonts into static/build under names that carry a content hash,
// and writes manifest.json: the name in the source → the name that was built.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "static");
const target = join(source, "build");
// Files of earlier builds stay for a while: a running server, or a page open at a visitor's, may still ask for them.
const KEPT_MS = 7 * 24 * 3600 * 1000;

const filesIn = async (folder) =>
  (await readdir(folder, { withFileTypes: true, recursive: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

async function bundle() {
  const sheets = ["site.css", "staff.css"].map((name) => join(source, "css", name));
  const scripts = (await readdir(join(source, "js"))).filter((name) => name.endsWith(".js"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...sheets, ...scripts.map((name) => join(source, "js", name))],
    outbase: source,
    outdir: target,
    entryNames: "[dir]/[name]-[hash]",
    chunkNames: "js/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    metafile: true,
    loader: { ".woff2": "file", ".svg": "file" },
    logLevel: "warning",
  });
  const manifest = {};
  for (const [built, { entryPoint, inputs }] of Object.entries(metafile.outputs)) {
    const path = relative(target, join(root, built));
    const font = Object.keys(inputs).find((name) => name.endsWith(".woff2"));
    if (entryPoint?.startsWith("static/")) manifest[relative("static", entryPoint)] = path;
    else if (font && extname(path) === ".woff2") manifest[`fonts/${basename(font)}`] = path;
  }
  return { manifest, outputs: Object.keys(metafile.outputs).map((name) => join(root, name)) };
}

async function copyPictures() {
  const manifest = {};
  for (const file of await filesIn(join(source, "img"))) {
    const name = relative(source, file);
    const hash = createHash("sha256").update(await readFile(file)).digest("hex").slice(0, 8).toUpperCase();
    const built = `${name.slice(0, -extname(name).length)}-${hash}${extname(name)}`;
    await mkdir(dirname(join(target, built)), { recursive: true });
    await cp(file, join(target, built));
    manifest[name] = built;
  }
  return manifest;
}

// The web server hands these out as they are to every browser that takes gzip, which is every browser.
async function pack(files) {
  const packed = files.filter((file) => [".css", ".js", ".svg"].includes(extname(file)));
  await Promise.all(packed.map(async (file) => writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: 9 }))));
  return packed.map((file) => `${file}.gz`);
}

async function forgetOld(used) {
  for (const file of await filesIn(target)) {
    if (!used.has(file) && Date.now() - (await stat(file)).mtimeMs > KEPT_MS) await rm(file, { force: true });
  }
}

const [{ manifest: bundled, outputs }, pictures] = await Promise.all([bundle(), copyPictures()]);
const manifest = { ...bundled, ...pictures };
const built = [...outputs, ...Object.values(pictures).map((name) => join(target, name))];
const packed = await pack(built);
const ordered = Object.fromEntries(Object.entries(manifest).sort(([one], [other]) => (one < other ? -1 : 1)));
// Last and at once, so that no reader finds a name whose file is not there yet.
const draft = join(target, `manifest-${process.pid}.json`);
await writeFile(draft, `${JSON.stringify(ordered, null, 2)}\n`);
await rename(draft, join(target, "manifest.json"));
await forgetOld(new Set([...built, ...packed, join(target, "manifest.json")]));
