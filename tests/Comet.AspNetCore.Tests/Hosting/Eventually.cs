using System.Diagnostics;

namespace Comet.AspNetCore.Tests.Hosting;

internal static class Eventually
{
    /// <summary>Waits until the condition holds, for things that nothing announces.</summary>
    internal static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="HoldsAsync(Func{bool}, string)"/>
    internal static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < TestApp.Patience, $"Never: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    internal static Task WithPatience(this Task task) => task.WaitAsync(TestApp.Patience, TestContext.Current.CancellationToken);

    internal static Task<T> WithPatience<T>(this Task<T> task) => task.WaitAsync(TestApp.Patience, TestContext.Current.CancellationToken);
}
