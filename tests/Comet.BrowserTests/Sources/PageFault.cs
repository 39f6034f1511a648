namespace Comet.BrowserTests.Sources;

/// <summary>Scripts that run before a page's own, and change what it lives on.</summary>
internal static class PageFault
{
    internal const string DeniedWorkers = """
        window.SharedWorker = class { constructor() { throw new DOMException('Access to workers is denied.', 'SecurityError'); } };
        """;

    /// <summary>The worker is there, and says nothing.</summary>
    internal const string MuteWorkers = """
        window.SharedWorker = class extends EventTarget { port = new MessageChannel().port1; };
        """;

    /// <summary>The page's clock is ahead by <c>ahead</c> milliseconds.</summary>
    internal const string ShiftedClock = """
        window.ahead = 0;
        const now = performance.now.bind(performance);
        performance.now = () => now() + ahead;
        """;

    internal static string Chance(double value) => FormattableString.Invariant($"Math.random = () => {value};");
}
