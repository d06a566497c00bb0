/**
 * Certificates for tests: an authority and what it vouches for, made by openssl in a folder of their own.
 *
 * @module
 */

/** An authority. */
export interface Authority {
  /** Its own certificate: the file, and the text. */
  readonly file: string;
  readonly pem: string;
  /** Makes a certificate for localhost and 127.0.0.1; files of that name are written over. */
  issue(name: string, days?: number): { cert: string; key: string };
}

/** Whether openssl is there; Debian has it, with its package `openssl`. */
export const HAS_OPENSSL = succeeds("openssl", ["version"]);

/** Whether a program runs and succeeds. */
export function succeeds(program: string, args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

function openssl(folder: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command("openssl", { args, cwd: folder }).outputSync();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority in a folder. */
export function createAuthority(folder: string): Authority {
  openssl(
    folder,
    "req",
    "-x509",
    ...KEY,
    "-days",
    "2",
    "-subj",
    "/CN=Test authority",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
  );
  const file = `${folder}/ca.pem`;
  return {
    file,
    pem: Deno.readTextFileSync(file),
    issue(name, days = 2) {
      openssl(
        folder,
        "req",
        "-new",
        ...KEY,
        "-subj",
        `/CN=${name}`,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
      );
      Deno.writeTextFileSync(
        `${folder}/${name}.ext`,
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
      );
      openssl(
        folder,
        ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
        ...["-CAcreateserial", "-days", String(days), "-extfile", `${name}.ext`],
        ...["-out", `${name}.pem`],
      );
      return { cert: `${folder}/${name}.pem`, key: `${folder}/${name}.key` };
    },
  };
}
