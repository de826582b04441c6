<?php

// A receiver of Tripletex deliveries in PHP; to test it: php -S 127.0.0.1:3000 receiver.php

declare(strict_types=1);

// The current secret and, during a rotation, the previous one.
$secrets = array_filter([getenv('HMAC_SECRET'), getenv('HMAC_SECRET_PREVIOUS')]);

/**
 * Reports whether the key, "&" and the raw body were signed with one of the secrets. PHP joins a repeated header with
 * a comma and a space, which are valid in neither a key nor a signature.
 */
function isSigned(array $secrets, string $key, string $signature, string $body): bool
{
    [$key, $signature] = [trim($key, " \t"), trim($signature, " \t")]; // blanks around a value are not part of it
    if (preg_match('/\A[A-Za-z0-9._:-]{1,128}\z/', $key) !== 1) { // a key with "&" could move the boundary
        return false;
    }
    $fits = false;
    foreach ($secrets as $secret) {
        $expected = base64_encode(hash_hmac('sha512', "$key&$body", $secret, true));
        $fits = hash_equals($expected, $signature) || $fits;
    }
    return $fits;
}

$body = (string) file_get_contents('php://input', false, null, 0, (1 << 20) + 1); // never $_POST
$key = $_SERVER['HTTP_IDEMPOTENCY_KEY'] ?? '';
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('Allow: POST');
    http_response_code(405);
} elseif (strlen($body) > 1 << 20) {
    http_response_code(413);
} elseif (!isSigned($secrets, $key, $_SERVER['HTTP_X_REQUEST_SIGNATURE'] ?? '', $body)) {
    http_response_code(401);
} else {
    // TODO: store key and body unless the key is known, and answer after they are on disk.
    error_log($key . ' ' . strlen($body) . ' bytes');
    http_response_code(200);
}
