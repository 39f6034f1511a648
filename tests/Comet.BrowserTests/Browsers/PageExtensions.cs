using System.Text.Json;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Browsers;

internal static class PageExtensions
{
    /// <summary>Waits until a script in the page is true. (Playwright asks with every frame, and has the page drawn for it: most of what such tests cost.)</summary>
    internal static Task WaitUntilAsync(this IPage page, string condition, object? argument = null) =>
        page.WaitForFunctionAsync(condition, argument, new() { PollingInterval = 20 });

    /// <summary>Evaluates a script whose result is any JSON value, or a promise of one.</summary>
    internal static async Task<T> EvaluateJsonAsync<T>(this IPage page, string script, object? argument = null) =>
        JsonSerializer.Deserialize<T>(
            await page.EvaluateAsync<string>($"async argument => JSON.stringify(await ({script})(argument))", argument).WaitAsync(Eventually.Patience),
            JsonSerializerOptions.Web)!;
}
