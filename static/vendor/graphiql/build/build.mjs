// Builds ../graphiql.js, ../graphiql.css and ../LICENSES.txt from the packages named in package.json.
// How to run it: ../../README.md.
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** GraphiQL embeds Roboto and Fira Code (360 kB). The system's fonts need no `font-src data:` and no download. */
const withSystemFonts = (css) =>
  css
    .replace(/@font-face\s*\{[^}]*\}/g, "")
    .replace('--font-family: "Roboto", sans-serif', "--font-family: system-ui, sans-serif")
    .replace('--font-family-mono: "Fira Code", monospace', "--font-family-mono: ui-monospace, monospace");

const offlineUnderStrictPolicy = {
  name: "offline-under-strict-policy",
  setup(bundle) {
    bundle.onLoad({ filter: /graphiql\/dist\/style\.css$/ }, ({ path }) => ({
      contents: withSystemFonts(readFileSync(path, "utf8")),
      loader: "css",
    }));
    bundle.onResolve({ filter: /^\.\/singleton$/ }, ({ importer }) =>
      importer.includes("react-style-singleton") ? { path: here("scroll-lock-style.js") } : undefined,
    );
  },
};

const RULE = "-".repeat(80);

/** The licence of every package that has code in the bundle, sorted by name; equal texts are printed once. */
function licences(inputs) {
  const packageOf = /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//;
  const folders = new Set(Object.keys(inputs).map((path) => packageOf.exec(path)?.[1]).filter(Boolean));
  const packagesByText = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(here(`${folder}/package.json`), "utf8"));
    const file = readdirSync(here(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file
      ? readFileSync(here(`${folder}/${file}`), "utf8").replaceAll("\r\n", "\n").trim()
      : "(Declared in its package.json; the package carries no licence text.)";
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [...packagesByText].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${RULE}\n\n`);
}

const { metafile } = await build({
  absWorkingDir: here("."),
  entryPoints: { graphiql: "entry.js" },
  outdir: "..",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [offlineUnderStrictPolicy],
});
writeFileSync(here("../LICENSES.txt"), licences(metafile.inputs));
