using System.Text.Json;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Browsers;

internal static class PageExtensions
{
    /// <summary>Evaluates a script whose result is any JSON value, or a promise of one.</summary>
    internal static async Task<T> EvaluateJsonAsync<T>(this IPage page, string script, object? argument = null) =>
        JsonSerializer.Deserialize<T>(
            await page.EvaluateAsync<string>($"async argument => JSON.stringify(await ({script})(argument))", argument)
                .WaitAsync(Eventually.Patience),
            JsonSerializerOptions.Web)!;
}
