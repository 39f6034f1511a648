using System.Diagnostics;

namespace Comet.TestUtilities;

/// <summary>Waits for things that nothing announces.</summary>
public static class Eventually
{
    /// <summary>No wait in these tests should take this long, on a loaded machine either; one that does fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Waits until the condition holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="HoldsAsync(Func{bool}, string)"/>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Patience, $"Never: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task WithPatience(this Task task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);

    public static Task<T> WithPatience<T>(this Task<T> task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);
}
