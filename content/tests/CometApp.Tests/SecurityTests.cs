using System.Net;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;

namespace CometApp.Tests;

public partial class SecurityTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Theory]
    [InlineData("/", HttpStatusCode.OK)]
    [InlineData("/clock", HttpStatusCode.OK)]
    [InlineData("/vitals", HttpStatusCode.OK)]
    [InlineData("/announcements", HttpStatusCode.OK)]
    [InlineData("/css/site.css", HttpStatusCode.OK)]
    [InlineData("/nothing-here", HttpStatusCode.NotFound)]
    [InlineData("/error/503", HttpStatusCode.NotFound)]
    public async Task Every_response_has_the_security_headers(string path, HttpStatusCode status)
    {
        using var response = await app.CreateClient().GetAsync(path);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        Assert.Equal("SAMEORIGIN", Header(response, "X-Frame-Options"), ignoreCase: true);
        Assert.Equal("strict-origin-when-cross-origin", Header(response, "Referrer-Policy"));
        Assert.Contains("camera=()", Header(response, "Permissions-Policy"), StringComparison.Ordinal);
        Assert.Equal("same-origin", Header(response, "Cross-Origin-Opener-Policy"));
        Assert.Equal("same-origin", Header(response, "Cross-Origin-Resource-Policy"));
        var policy = Header(response, "Content-Security-Policy");
        Assert.All(
            ["default-src 'self'", "object-src 'none'", "base-uri 'self'", "form-action 'self'", "frame-ancestors 'self'"],
            directive => Assert.Contains(directive, policy, StringComparison.Ordinal));
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_nonce_is_another_one_in_every_response()
    {
        var client = app.CreateClient();
        var nonces = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            using var response = await client.GetAsync("/clock");
            nonces.Add(Nonce().Match(Header(response, "Content-Security-Policy")).Groups[1].Value);
        }

        Assert.Equal(3, nonces.Count);
        Assert.All(nonces, nonce => Assert.True(Convert.FromBase64String(nonce).Length >= 16));
    }

    [Fact]
    public async Task Only_scripts_with_the_nonce_run()
    {
        var page = await browser.NewPageAsync();
        await page.AddInitScriptAsync("""
            window.blocked = [];
            document.addEventListener('securitypolicyviolation', event => blocked.push(event.effectiveDirective));
            """);
        // What an attacker might get into a page.
        await page.RouteAsync("**/clock", async route =>
        {
            var response = await route.FetchAsync();
            await route.FulfillAsync(new()
            {
                Response = response,
                Body = await response.TextAsync() + """
                    <script>window.ran = 'without a nonce'</script>
                    <script nonce="guessed">window.ran = 'with a wrong nonce'</script>
                    <img src="/favicon.svg" onload="window.ran = 'as an attribute'">
                    """,
            });
        });

        await page.GoLiveAsync(app.Url + "/clock"); // its own scripts run
        await page.EvaluateAsync("() => document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))");

        await page.WaitForFunctionAsync("() => blocked.length >= 4");
        Assert.Null(await page.EvaluateAsync<string?>("() => window.ran ?? null"));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("/clock/stream")]
    [InlineData("/vitals/stream")]
    [InlineData("/announcements/stream")]
    [InlineData("/live/stream")]
    public async Task Other_sites_may_not_read_a_stream(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Sec-Fetch-Site", "cross-site");

        using var response = await app.CreateClient().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Other_sites_may_not_post()
    {
        using var form = new FormUrlEncodedContent([new("Text", "Posted without the form's token")]);

        using var response = await app.CreateClient().PostAsync("/announcements", form);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private static string Header(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues(name));

    [GeneratedRegex("'nonce-([^']+)'")]
    private static partial Regex Nonce();
}
