namespace Comet.BrowserTests.Browsers;

/// <summary>Chromium is always driven; Firefox where it is installed.</summary>
public enum BrowserKind
{
    Chromium,
    Firefox,
}
