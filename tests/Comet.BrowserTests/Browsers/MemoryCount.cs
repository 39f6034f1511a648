using Microsoft.Playwright;

namespace Comet.BrowserTests.Browsers;

/// <summary>What a page has in memory, after its garbage was collected.</summary>
internal sealed record MemoryCount(int Documents, int Nodes, int Listeners, double HeapBytes);

internal static class MemoryCountExtensions
{
    internal static async Task<MemoryCount> CountAsync(this ICDPSession developerTools)
    {
        await developerTools.SendAsync("HeapProfiler.collectGarbage");
        var counters = (await developerTools.SendAsync("Memory.getDOMCounters"))!.Value;
        var heap = (await developerTools.SendAsync("Runtime.getHeapUsage"))!.Value;
        return new(Count("documents"), Count("nodes"), Count("jsEventListeners"), heap.GetProperty("usedSize").GetDouble());

        int Count(string name) => counters.GetProperty(name).GetInt32();
    }
}
