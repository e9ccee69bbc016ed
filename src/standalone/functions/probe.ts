import { get } from 'node:http';

/** Whether `GET /healthz` on that port of this machine is answered with 200. Never rejects. */
export function answersHealthz(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/healthz', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', () => resolve(false));
  });
}
