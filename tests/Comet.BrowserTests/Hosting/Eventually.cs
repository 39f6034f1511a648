using System.Diagnostics;

namespace Comet.BrowserTests.Hosting;

internal static class Eventually
{
    /// <summary>No wait in these tests should take this long; one that does fails.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Waits until the condition holds, for things that nothing announces.</summary>
    internal static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="HoldsAsync(Func{bool}, string)"/>
    internal static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Patience, $"Never: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
