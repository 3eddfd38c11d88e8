// The page of the API: Swagger UI, which comes from its package, with our document.
const place = document.getElementById('api');

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  // tokens are not for keeping in a browser
  persistAuthorization: false,
  validatorUrl: null,
});
