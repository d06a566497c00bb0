/**
 * Certificates: read from their files and looked over, so that what is wrong with them is said in words.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** Where a certificate and its key are. */
export interface CertificateFiles {
  /** PEM: the server's own certificate first, then those between it and the authority. */
  readonly cert: string;
  /** PEM, without a password. */
  readonly key: string;
}

/** What TLS shows, and proves. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** For whom it is, for the log. */
  readonly names: string;
  /** Until when it is good, for the log. */
  readonly until: string;
}

/** What is wrong with a certificate, and what to do. */
export class CertificateError extends Error {}

/**
 * Reads a certificate and its key.
 *
 * @throws CertificateError
 */
export function readCertificate({ cert, key }: CertificateFiles): Certificate {
  const pem = { cert: readText(cert, "--tls-cert"), key: readText(key, "--tls-key") };
  const certificate = parseCertificate(pem.cert, cert);
  if (!certificate.checkPrivateKey(parseKey(pem.key, key))) {
    throw new CertificateError(
      `the key ${key} is not the key of the certificate ${cert}. Give the two that were made together`,
    );
  }
  const { subjectAltName, subject, validTo } = certificate;
  if (Date.parse(validTo) < Date.now()) {
    throw new CertificateError(`the certificate ${cert} has expired on ${validTo}. Get a new one`);
  }
  return { ...pem, names: subjectAltName ?? subject.replaceAll("\n", ", "), until: validTo };
}

function readText(path: string, option: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const hint = error instanceof Deno.errors.NotFound
      ? `there is no such file; look at ${option}`
      : error instanceof Deno.errors.NotCapable
      ? `Deno was not given --allow-read=${path}`
      : error instanceof Deno.errors.PermissionDenied
      ? "this user may not read it"
      : String((error as Error).message);
    throw new CertificateError(`${path} cannot be read: ${hint}`);
  }
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CertificateError(
      `${path} holds no certificate in PEM (it begins with -----BEGIN CERTIFICATE-----)`,
    );
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new CertificateError(
      `${path} holds no private key in PEM without a password; openssl pkey -in ${path} shows why`,
    );
  }
}
