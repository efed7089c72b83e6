// rest.js - starts Swagger UI on the contract that lies beside this page.
// SPDX-License-Identifier: Apache-2.0
window.SwaggerUIBundle({
    url: 'openapi.json',
    dom_id: '#reference',
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false, // a key is forgotten when the page is closed
    tryItOutEnabled: false,
    validatorUrl: null, // nothing is sent elsewhere
});
