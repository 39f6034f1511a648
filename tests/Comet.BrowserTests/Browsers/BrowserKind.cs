namespace Comet.BrowserTests.Browsers;

/// <summary>Chromium is always driven; Firefox in the category Matrix, where it is installed.</summary>
public enum BrowserKind
{
    Chromium,
    Firefox,
}
