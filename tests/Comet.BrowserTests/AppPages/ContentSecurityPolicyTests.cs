using Comet.BrowserTests.Browsers;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

public class ContentSecurityPolicyTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox, Traits = ["Category", "Matrix"])]
    public async Task Only_scripts_with_the_nonce_of_the_response_run(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.RouteAsync("**/clock", async route =>
        {
            var response = await route.FetchAsync();
            var body = WithScripts(await response.TextAsync(), response.Headers["content-security-policy"]);
            await route.FulfillAsync(new() { Response = response, Body = body });
        });
        await page.GotoAsync(app.Url + "/clock", new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await page.ClickAsync("#injected");
        await page.EvaluateAsync("""
            () => document.body.append(Object.assign(document.createElement('script'), { text: "ran.push('inserted')" }))
            """);

        await page.WaitForFunctionAsync("() => blocked.length >= 4");

        Assert.Equal(["nonce"], await page.EvaluateAsync<string[]>("() => ran"));
        Assert.Equal(
            ["script-src-attr", "script-src-elem", "script-src-elem", "script-src-elem"],
            (await page.EvaluateAsync<string[]>("() => blocked")).Order());
        await page.CloseAsync();
    }

    /// <summary>The page with scripts at its start, of which only the first has the nonce.</summary>
    private static string WithScripts(string page, string policy) => page.Replace("<main", $$"""
        <script nonce="{{policy.Split("'nonce-")[1].Split('\'')[0]}}">
          window.ran = ['nonce'];
          window.blocked = [];
          addEventListener('securitypolicyviolation', event => blocked.push(event.effectiveDirective));
        </script>
        <script>ran.push('none');</script>
        <script nonce="guessed">ran.push('wrong');</script>
        <p id="injected" onclick="ran.push('attribute')">Text</p>
        <main
        """, StringComparison.Ordinal);
}
