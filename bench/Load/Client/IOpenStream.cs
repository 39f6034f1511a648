namespace CometBench.Load.Client;

internal interface IOpenStream : IDisposable
{
    MarkerScanner Scanner { get; }

    /// <summary>Begins to read; until then nothing is counted.</summary>
    void Start();
}
