namespace Comet.BrowserTests.Sources;

/// <summary>Scripts that run before a page's own, and change what it lives on.</summary>
internal static class PageFault
{
    /// <summary>While <c>isDeaf</c> is true, what other tabs broadcast is lost: it is in <c>unheard</c>, as text.</summary>
    internal const string Deafness = """
        window.unheard = [];
        window.BroadcastChannel = class extends BroadcastChannel {
          set onmessage(listener) {
            super.onmessage = event => window.isDeaf ? unheard.push(JSON.stringify(event.data)) : listener(event);
          }
        };
        """;

    /// <summary>Counts in <c>fetches</c>.</summary>
    internal const string CountedFetches = """
        window.fetches = 0;
        const send = fetch;
        window.fetch = (...request) => {
          fetches++;
          return send(...request);
        };
        """;

    /// <summary>The first answer to a fetch begins and never goes on.</summary>
    internal const string StalledFetch = """
        window.fetches = 0;
        const send = fetch;
        window.fetch = (url, init) => fetches++ > 0 ? send(url, init) : new Response(new ReadableStream({
          start: controller => init.signal.addEventListener('abort', () => controller.error(init.signal.reason)),
        }));
        """;

    internal const string DeniedLocks = """
        navigator.locks.request = () => Promise.reject(new DOMException('Access to the locks is denied.', 'SecurityError'));
        """;

    /// <summary>While <c>isInBackground</c> is true, timers of a second and more do not fire.</summary>
    internal const string LateTimers = """
        const [set, setRepeated] = [setTimeout, setInterval];
        window.setInterval = (action, delay) => setRepeated(() => window.isInBackground || action(), delay);
        window.setTimeout = (action, delay) => {
          if (!(delay >= 900)) return set(action, delay);
          const id = setInterval(() => {
            clearInterval(id);
            action();
          }, delay);
          return id;
        };
        """;

    /// <summary>The page's clock is ahead by <c>ahead</c> milliseconds.</summary>
    internal const string ShiftedClock = """
        window.ahead = 0;
        const now = performance.now.bind(performance);
        performance.now = () => now() + ahead;
        """;

    internal static string Chance(double value) => FormattableString.Invariant($"Math.random = () => {value};");
}
