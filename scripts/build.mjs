// Builds static/css, static/js, static/img and the fonts into static/build under names that carry a content hash,
// and writes manifest.json: the name in the source → the name that was built.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "static");
const target = join(source, "build");
// Built beside the old one and then moved in its place, so that a running server never sees half a build.
const fresh = join(source, `build-${process.pid}`);

const filesOf = async (folder, ending = "") =>
  (await readdir(join(source, folder), { withFileTypes: true, recursive: true }).catch(() => []))
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));

async function bundle() {
  const sheets = ["site.css", "staff.css"].map((name) => join(source, "css", name));
  const scripts = (await readdir(join(source, "js"))).filter((name) => name.endsWith(".js"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...sheets, ...scripts.map((name) => join(source, "js", name))],
    outbase: source,
    outdir: fresh,
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
    const path = relative(fresh, join(root, built));
    const font = Object.keys(inputs).find((name) => name.endsWith(".woff2"));
    if (entryPoint?.startsWith("static/")) manifest[relative("static", entryPoint)] = path;
    else if (font && extname(path) === ".woff2") manifest[`fonts/${basename(font)}`] = path;
  }
  return manifest;
}

async function copyPictures() {
  const manifest = {};
  for (const file of await filesOf("img")) {
    const name = relative(source, file);
    const hash = createHash("sha256").update(await readFile(file)).digest("hex").slice(0, 8).toUpperCase();
    const built = `${name.slice(0, -extname(name).length)}-${hash}${extname(name)}`;
    await mkdir(dirname(join(fresh, built)), { recursive: true });
    await cp(file, join(fresh, built));
    manifest[name] = built;
  }
  return manifest;
}

try {
  const manifest = { ...(await bundle()), ...(await copyPictures()) };
  const ordered = Object.fromEntries(Object.entries(manifest).sort(([one], [other]) => (one < other ? -1 : 1)));
  await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(ordered, null, 2)}\n`);
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
